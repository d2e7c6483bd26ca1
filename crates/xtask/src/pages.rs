//! The programs in Rust of README.md and the pages below `docs/`, which are documentation tests. Those that stand in a file of
//! their own in the reader's project are built and run by `cargo xtask readme` instead.

macro_rules! pages {
    ($($name:ident = $path:literal,)*) => {
        $(
            #[cfg(doctest)]
            #[doc = include_str!(concat!("../../../docs/", $path))]
            mod $name {}
        )*
    };
}

pages! {
    readme = "../README.md",
    kinds = "concepts/kinds.md",
    quota = "concepts/quota.md",
    loops = "guides/from-loops.md",
    r#async = "guides/async.md",
    testing = "guides/testing.md",
    fleet = "fleet.md",
    observability = "observability.md",
}
