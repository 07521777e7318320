"""Login: OpenID Connect, authorization code with PKCE, and a provider of our own for demonstrations and tests."""
