//! Actuators: host processes, gateway weights, commands, HTTP.
