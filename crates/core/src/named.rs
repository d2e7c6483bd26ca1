//! Enums whose variants have a name each.

/// Declares an enum of which every variant has a name in records, log lines and metrics: with `ALL`,
/// `name`, `Display` and `FromStr`. `what` says what a variant is.
macro_rules! named {
    ($(#[$doc:meta])* $name:ident, $what:literal {
        $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)*
    }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        impl $name {
            #[doc = concat!("Every ", $what, " that this version knows.")]
            pub const ALL: &'static [$name] = &[$($name::$variant,)*];

            /// The name in records, log lines and metrics, in snake case.
            pub const fn name(self) -> &'static str {
                match self { $($name::$variant => $text,)* }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::unknown_name::UnknownName;

            fn from_str(name: &str) -> Result<Self, Self::Err> {
                let found = Self::ALL.iter().copied().find(|known| known.name() == name);
                found.ok_or_else(|| {
                    let known: Vec<_> = Self::ALL.iter().map(|known| known.name()).collect();
                    $crate::unknown_name::UnknownName::new($what, name, &known)
                })
            }
        }
    };
}

pub(crate) use named;
