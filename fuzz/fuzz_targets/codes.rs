#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pushwarden::fuzzing::run("codes", bytes));
