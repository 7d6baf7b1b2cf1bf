//! Cases of one test at the same time.

use std::thread;

/// Runs a test for all cases side by side: most of their time is a wait for an attempt to connect.
pub fn together<T: Send>(cases: impl IntoIterator<Item = T>, test: impl Fn(T) + Sync) {
    let test = &test;
    thread::scope(|scope| {
        for case in cases {
            scope.spawn(move || test(case));
        }
    });
}
