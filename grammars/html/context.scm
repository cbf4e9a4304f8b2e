; The task at a place in HTML, by the innermost node around it. `.inside`: only behind the node's own start.

(document) @line
(document . (text) @top_level .)
(attribute_value) @string
(quoted_attribute_value) @string
(comment) @comment.inside
