; The task at a place in JSON, by the innermost node around it. `.inside`: only behind the node's own start.

(document) @top_level
(object) @literal.inside
(array) @literal.inside
(pair value: (_) @expression)
(pair value: (object) @literal.inside)
(pair value: (array) @literal.inside)
(string) @string.inside
(comment) @comment.inside
