; Captures that TSX adds to those of TypeScript, which come first.

(jsx_expression) @expression.inside
(jsx_opening_element) @argument.inside
(jsx_self_closing_element) @argument.inside
(jsx_attribute (_) (string) @string.inside)
