//! What the compiling and the running side must agree on: the engine's settings, the key that names them, and which
//! interfaces a guest can import.

pub mod ffi;
pub mod key;
pub mod link;
pub mod settings;

pub use settings::Profile;
