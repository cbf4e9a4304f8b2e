; The task at a place in TOML, by the innermost node around it. `.inside`: only behind the node's own start.

(document) @top_level
; A table may begin wherever a key of the table above may.
(table) @line.inside
(table_array_element) @line.inside
(document [(table) (table_array_element)] [(table) (table_array_element)] @line)
(array) @literal.inside
(inline_table) @literal.inside
(pair (_) . (_) @expression)
(pair (_) . (array) @literal.inside)
(pair (_) . (inline_table) @literal.inside)
(string) @string.inside
(comment) @comment.inside
