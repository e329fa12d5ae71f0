"""The database: the one commit point. SQLAlchemy Core on SQLite or PostgreSQL."""
