//! What the test files share: starting the real programs, and the oracle. Shares no code with the engine.
