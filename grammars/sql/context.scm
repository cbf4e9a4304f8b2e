; The task at a place in SQL, by the innermost node around it. `.inside`: only behind the node's own start.

(program) @top_level
(statement) @line

; Conditions
(where predicate: (_) @condition)
(join predicate: (_) @condition)

; Lists, values
(invocation) @argument.inside
(list) @literal.inside
(column_definitions) @type_body.inside
(column_definition type: (_) @type)
(assignment right: (_) @expression)

; Texts
(literal) @line
((literal) @string.inside (#match? @string.inside "^'"))
(comment) @comment.inside
(marginalia) @comment.inside
