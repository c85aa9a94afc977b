//! Dialogues with servers made of bytes.
