//! Names the two sides of a bridge pair and its two directions, so that neither is ever a number.

use std::fmt;
use std::ops::{Index, IndexMut};

/// One of the two chains of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// The main chain.
    Main,
    /// The service chain.
    Service,
}

/// One of the two lanes of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// From the main to the service chain.
    ToService,
    /// From the service to the main chain.
    ToMain,
}

impl Side {
    /// The main side, then the service side.
    pub const BOTH: [Self; 2] = [Self::Main, Self::Service];

    /// The other chain of the pair.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Main => Self::Service,
            Self::Service => Self::Main,
        }
    }

    /// The direction that begins here.
    #[must_use]
    pub const fn outgoing(self) -> Direction {
        match self {
            Self::Main => Direction::ToService,
            Self::Service => Direction::ToMain,
        }
    }

    /// The direction that ends here.
    #[must_use]
    pub const fn incoming(self) -> Direction {
        self.other().outgoing()
    }

    /// `main` or `service`, as in the configuration.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Main => "main",
            Self::Service => "service",
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

impl Direction {
    /// To the service side, then to the main side.
    pub const BOTH: [Self; 2] = [Self::ToService, Self::ToMain];

    /// Where requests are made.
    #[must_use]
    pub const fn source(self) -> Side {
        match self {
            Self::ToService => Side::Main,
            Self::ToMain => Side::Service,
        }
    }

    /// Where they are handed over.
    #[must_use]
    pub const fn destination(self) -> Side {
        self.source().other()
    }

    /// The other direction of the pair.
    #[must_use]
    pub const fn reverse(self) -> Self {
        self.destination().outgoing()
    }
}

macro_rules! pair {
    ($(#[$doc:meta])* $name:ident by $key:ident { $first:ident = $one:ident, $second:ident = $two:ident }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct $name<T> {
            $first: T,
            $second: T,
        }

        impl<T> $name<T> {
            /// Both values.
            pub const fn new($first: T, $second: T) -> Self {
                Self { $first, $second }
            }

            /// Makes the value of each, in the order of `BOTH`.
            pub fn from_fn(mut make: impl FnMut($key) -> T) -> Self {
                Self { $first: make($key::$one), $second: make($key::$two) }
            }

            /// Makes the value of each, in the order of `BOTH`; the first error ends it.
            ///
            /// # Errors
            /// The error of `make`.
            pub fn try_from_fn<E>(mut make: impl FnMut($key) -> Result<T, E>) -> Result<Self, E> {
                Ok(Self { $first: make($key::$one)?, $second: make($key::$two)? })
            }

            /// Each value turned into another.
            pub fn map<U>(self, mut turn: impl FnMut($key, T) -> U) -> $name<U> {
                $name {
                    $first: turn($key::$one, self.$first),
                    $second: turn($key::$two, self.$second),
                }
            }

            /// Each with its value, in the order of `BOTH`.
            pub fn iter(&self) -> impl Iterator<Item = ($key, &T)> {
                [($key::$one, &self.$first), ($key::$two, &self.$second)].into_iter()
            }

            /// The values, in the order of `BOTH`.
            pub fn values(&self) -> impl Iterator<Item = &T> {
                [&self.$first, &self.$second].into_iter()
            }

            /// The values, in the order of `BOTH`.
            pub fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
                [&mut self.$first, &mut self.$second].into_iter()
            }
        }

        impl<T> Index<$key> for $name<T> {
            type Output = T;

            fn index(&self, key: $key) -> &T {
                match key {
                    $key::$one => &self.$first,
                    $key::$two => &self.$second,
                }
            }
        }

        impl<T> IndexMut<$key> for $name<T> {
            fn index_mut(&mut self, key: $key) -> &mut T {
                match key {
                    $key::$one => &mut self.$first,
                    $key::$two => &mut self.$second,
                }
            }
        }
    };
}

pair! {
    /// A value for each side of a pair.
    PerSide by Side { main = Main, service = Service }
}
pair! {
    /// A value for each lane of a pair.
    PerDirection by Direction { to_service = ToService, to_main = ToMain }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_side_begins_one_direction_and_ends_the_other() {
        for side in Side::BOTH {
            assert_eq!(side.outgoing().source(), side);
            assert_eq!(side.incoming().destination(), side);
            assert_eq!(side.outgoing().reverse(), side.incoming());
            assert_eq!(side.other().other(), side);
        }
    }

    #[test]
    fn a_pair_of_values_is_asked_by_its_key() {
        let mut labels = PerSide::from_fn(Side::label);
        assert_eq!((labels[Side::Main], labels[Side::Service]), ("main", "service"));
        labels[Side::Main] = "changed";
        assert_eq!(labels.values().copied().collect::<Vec<_>>(), ["changed", "service"]);
        let ends = PerDirection::from_fn(Direction::destination);
        assert_eq!(ends, PerDirection::new(Side::Service, Side::Main));
    }
}
