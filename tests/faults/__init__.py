"""One test per fault that the engine must survive."""
