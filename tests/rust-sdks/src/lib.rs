//! Other projects' clients made robust: see `tests` and `examples`.
