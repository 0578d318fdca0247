//! The executor: journal, budget reservation under the fence, steps, undo.
