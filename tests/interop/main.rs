//! Interoperation.
