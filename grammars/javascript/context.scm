; Captures that JavaScript adds to those it shares with TypeScript, which come first.

(field_definition value: (_) @expression)
(field_definition value: [(array) (object)] @literal.inside)
(field_definition value: [(string) (template_string) (regex)] @string.inside)
(class_heritage (expression) @type)

; JSX
(jsx_expression) @expression.inside
(jsx_opening_element) @argument.inside
(jsx_self_closing_element) @argument.inside
(jsx_attribute (_) (string) @string.inside)
