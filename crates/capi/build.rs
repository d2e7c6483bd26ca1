//! Gives the shared library its SONAME, so that programs keep the ABI that they were linked with.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // The number changes when a release breaks the ABI, whatever the version says.
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libresayil.so.0");
    }
}
