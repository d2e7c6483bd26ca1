mod members;
mod script;
