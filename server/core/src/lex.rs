//! A lexical look at code: strings, comments, brackets and words, from a language's row of forms. Right on broken code, because it parses nothing.
