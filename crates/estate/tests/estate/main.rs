//! Estates as files: mistakes, weaknesses, and a whole one.

#[cfg(test)]
mod disk;
#[cfg(test)]
mod mistakes;
#[cfg(test)]
mod weak;
#[cfg(test)]
mod whole;
