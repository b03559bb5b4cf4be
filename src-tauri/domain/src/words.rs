//! What is said to a person: a code with named values, and the English sentence that they make. A screen in another
//! language puts the same values into its own sentence for the code (`ui/messages/engine`); logs and the command line
//! read the English one. Words are never parsed and decide nothing: that is what `error::Code` is for.

use std::fmt;
use std::io;
use std::ops::Deref;

/// A sentence, or a part of one. Reads as its English text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    code: &'static str,
    values: Vec<(&'static str, Value)>,
    english: String,
}

/// What stands in a place of a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A name, a number, a server's own text: the same in every language.
    Text(String),
    /// Words of ours, said in the language of the whole.
    Words(Words),
}

impl Words {
    /// Made by `words!` alone, so that every code stands in the source with its English.
    #[doc(hidden)]
    pub fn of(code: &'static str, values: Vec<(&'static str, Value)>, english: String) -> Words {
        Words { code, values, english }
    }

    /// Nothing to say.
    pub fn none() -> Words {
        Words::of("", Vec::new(), String::new())
    }

    /// What is no language: a file's name, an address, another program's own text.
    pub fn plain(text: impl fmt::Display) -> Words {
        crate::words!("plain", "{text}", text)
    }

    /// Stable name of the sentence, snake_case; empty when there is nothing to say.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// Its places with what stands in them.
    pub fn values(&self) -> &[(&'static str, Value)] {
        &self.values
    }

    /// The English sentence.
    pub fn english(&self) -> &str {
        &self.english
    }

    /// What happened and what to do about it: the last sentence says that, where there are several.
    pub fn cause_and_cure(&self) -> (&str, &str) {
        let bare = self.english.trim_end_matches('.');
        bare.rsplit_once(". ").unwrap_or((&self.english, ""))
    }
}

impl Deref for Words {
    type Target = str;

    fn deref(&self) -> &str {
        &self.english
    }
}

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.english)
    }
}

impl From<&io::Error> for Words {
    /// The operating system's refusals that a person meets, by their kind; the rest in the system's own text.
    fn from(error: &io::Error) -> Words {
        use io::ErrorKind as K;
        let Some(number) = error.raw_os_error() else { return Words::plain(error) };
        let text = error.to_string();
        match error.kind() {
            K::NotFound => crate::words!("os_not_found", told text; number),
            K::PermissionDenied => crate::words!("os_denied", told text; number),
            K::ReadOnlyFilesystem => crate::words!("os_read_only", told text; number),
            K::StorageFull => crate::words!("os_full", told text; number),
            K::QuotaExceeded => crate::words!("os_quota", told text; number),
            K::IsADirectory => crate::words!("os_folder", told text; number),
            K::NotADirectory => crate::words!("os_no_folder", told text; number),
            K::ConnectionRefused => crate::words!("os_refused", told text; number),
            K::ConnectionReset => crate::words!("os_reset", told text; number),
            K::TimedOut => crate::words!("os_timed_out", told text; number),
            K::HostUnreachable => crate::words!("os_no_host", told text; number),
            K::NetworkUnreachable => crate::words!("os_no_network", told text; number),
            _ => Words::plain(text),
        }
    }
}

/// A value on its way into a sentence: words of ours stay words, everything else is shown.
#[doc(hidden)]
#[derive(Debug)]
pub struct Given<'a, T: ?Sized>(pub &'a T);

/// The usual way of `Given`; the inherent ones below come first.
#[doc(hidden)]
pub trait Shown {
    /// As a value.
    fn value(&self) -> Value;
}

impl<T: fmt::Display + ?Sized> Shown for Given<'_, T> {
    fn value(&self) -> Value {
        Value::Text(self.0.to_string())
    }
}

impl Given<'_, Words> {
    /// As a value.
    pub fn value(&self) -> Value {
        Value::Words(self.0.clone())
    }
}

impl Given<'_, &Words> {
    /// As a value.
    pub fn value(&self) -> Value {
        Value::Words((*self.0).clone())
    }
}

impl Given<'_, io::Error> {
    /// As a value.
    pub fn value(&self) -> Value {
        Value::Words(self.0.into())
    }
}

impl Given<'_, &io::Error> {
    /// As a value.
    pub fn value(&self) -> Value {
        Value::Words((*self.0).into())
    }
}

/// `words!("code", "English with {places}", places)`: a sentence with its code. Every place is named and every name
/// given, `name` or `name = value`. `words!("code", told text; name)` is for a text that was put into English before.
#[macro_export]
macro_rules! words {
    (@value $name:ident) => { $name };
    (@value $name:ident $value:expr) => { $value };
    (@values $($name:ident $(= $value:expr)?),*) => {{
        #[allow(unused_imports)]
        use $crate::words::Shown as _;
        ::std::vec![$((
            ::std::stringify!($name),
            $crate::words::Given(&$crate::words!(@value $name $($value)?)).value(),
        )),*]
    }};
    ($code:literal, $english:literal $(,)?) => {
        $crate::words::Words::of($code, ::std::vec::Vec::new(), ::std::string::String::from($english))
    };
    ($code:literal, told $english:expr; $($name:ident $(= $value:expr)?),* $(,)?) => {
        $crate::words::Words::of($code, $crate::words!(@values $($name $(= $value)?),*), $english)
    };
    ($code:literal, $english:literal, $($name:ident $(= $value:expr)?),+ $(,)?) => {
        $crate::words::Words::of(
            $code,
            $crate::words!(@values $($name $(= $value)?),+),
            ::std::format!($english, $($name = $crate::words!(@value $name $($value)?)),+),
        )
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Code, Error};

    #[test]
    fn words_within_words_stay_words() {
        let inner = words!("inner", "a {colour} door", colour = "red");
        let error =
            Error::new(Code::Invalid, words!("outer", "{count} times {what}", count = 2, what = inner));
        assert_eq!(error.to_string(), "2 times a red door");
        let [("count", Value::Text(count)), ("what", Value::Words(what))] = error.message.values() else {
            panic!("{error:?}")
        };
        assert_eq!((count.as_str(), what.code(), what.english()), ("2", "inner", "a red door"));
        let around = words!("around", "here: {error}", error);
        assert!(
            matches!(&around.values()[0].1, Value::Words(words) if words.code() == "outer"),
            "{around:?}"
        );
    }

    #[test]
    fn the_systems_refusals_are_told_by_kind() {
        let error = std::fs::read("/no/such/file").unwrap_err();
        let told = words!("not_read", "cannot read it: {error}", error);
        assert_eq!(told.english(), format!("cannot read it: {error}"));
        assert!(
            matches!(&told.values()[0].1, Value::Words(words) if words.code() == "os_not_found"),
            "{told:?}"
        );
        let own = words!("not_read", "cannot read it: {error}", error = io::Error::other("it is gone"));
        assert!(matches!(&own.values()[0].1, Value::Words(words) if words.code() == "plain"), "{own:?}");
    }

    #[test]
    fn the_last_sentence_is_the_cure() {
        let both = words!("both", "It failed. It is full. Free some space.");
        assert_eq!(both.cause_and_cure(), ("It failed. It is full", "Free some space"));
        assert_eq!(words!("one", "It failed.").cause_and_cure(), ("It failed.", ""));
        assert_eq!(Words::none().cause_and_cure(), ("", ""));
    }
}
