//! Scenarios with golden output.

mod stage;

#[test]
fn scenarios_come_out_as_written() {
    stage::play_folder("tests/scenarios");
}
