//! Asks for access.
