//! Findings to incidents and plans; budget estimate; plan lint.
