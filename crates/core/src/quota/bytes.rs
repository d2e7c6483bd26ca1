//! The state of a quota as bytes, for processes that share it.

use std::time::Duration;

use crate::error::LimitScope;

/// Something with a fixed layout: numbers are little-endian, lists and options begin with their
/// length or presence.
pub(crate) trait Record: Sized {
    fn put(&self, out: &mut Vec<u8>);

    /// Takes it from the front; `None` if the bytes are none that [`put`](Self::put) makes.
    fn get(input: &mut &[u8]) -> Option<Self>;
}

/// The longest time that is read, about 146 years. So sums of such times are times.
const LONGEST: u64 = 1 << 62;
/// No list is longer.
const MOST: usize = 64;

/// The layout of a struct: its fields in this order.
macro_rules! record {
    ($name:ident { $($field:ident),+ $(,)? }) => {
        impl $crate::quota::bytes::Record for $name {
            fn put(&self, out: &mut Vec<u8>) {
                $($crate::quota::bytes::Record::put(&self.$field, out);)+
            }

            fn get(input: &mut &[u8]) -> Option<Self> {
                Some($name { $($field: $crate::quota::bytes::Record::get(input)?),+ })
            }
        }
    };
}
pub(crate) use record;

macro_rules! numbers {
    ($($number:ty),+) => {$(
        impl Record for $number {
            fn put(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }

            fn get(input: &mut &[u8]) -> Option<Self> {
                let (first, rest) = input.split_first_chunk()?;
                *input = rest;
                Some(<$number>::from_le_bytes(*first))
            }
        }
    )+};
}
numbers!(u8, u32, u64, i64);

impl Record for bool {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }

    fn get(input: &mut &[u8]) -> Option<Self> {
        match u8::get(input)? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

impl Record for f64 {
    fn put(&self, out: &mut Vec<u8>) {
        self.to_bits().put(out);
    }

    fn get(input: &mut &[u8]) -> Option<Self> {
        let number = f64::from_bits(u64::get(input)?);
        number.is_finite().then_some(number)
    }
}

impl Record for Duration {
    fn put(&self, out: &mut Vec<u8>) {
        u64::try_from(self.as_nanos()).unwrap_or(LONGEST).min(LONGEST).put(out);
    }

    fn get(input: &mut &[u8]) -> Option<Self> {
        u64::get(input).filter(|nanos| *nanos <= LONGEST).map(Duration::from_nanos)
    }
}

impl<T: Record> Record for Option<T> {
    fn put(&self, out: &mut Vec<u8>) {
        self.is_some().put(out);
        if let Some(value) = self {
            value.put(out);
        }
    }

    fn get(input: &mut &[u8]) -> Option<Self> {
        Some(if bool::get(input)? { Some(T::get(input)?) } else { None })
    }
}

impl<T: Record, U: Record> Record for (T, U) {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
        self.1.put(out);
    }

    fn get(input: &mut &[u8]) -> Option<Self> {
        Some((T::get(input)?, U::get(input)?))
    }
}

impl<T: Record> Record for [T; 2] {
    fn put(&self, out: &mut Vec<u8>) {
        self.iter().for_each(|value| value.put(out));
    }

    fn get(input: &mut &[u8]) -> Option<Self> {
        Some([T::get(input)?, T::get(input)?])
    }
}

/// A short list.
impl<T: Record> Record for Vec<T> {
    fn put(&self, out: &mut Vec<u8>) {
        (self.len() as u32).put(out);
        self.iter().for_each(|value| value.put(out));
    }

    fn get(input: &mut &[u8]) -> Option<Self> {
        let count = u32::get(input).filter(|count| *count as usize <= MOST)?;
        (0..count).map(|_| T::get(input)).collect()
    }
}

/// By its name's place in the list of all.
impl Record for LimitScope {
    fn put(&self, out: &mut Vec<u8>) {
        let index = LimitScope::ALL.iter().position(|scope| scope == self);
        out.push(index.unwrap_or_default() as u8);
    }

    fn get(input: &mut &[u8]) -> Option<Self> {
        LimitScope::ALL.get(usize::from(u8::get(input)?)).copied()
    }
}
