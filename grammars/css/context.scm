; The task at a place in CSS, by the innermost node around it. `.inside`: only behind the node's own start.

(stylesheet) @top_level

(declaration (property_name) (_) @expression)
(arguments) @argument.inside
(media_statement (_) @condition)
(supports_statement (_) @condition)
(import_statement) @import.inside
(string_value) @string.inside
(import_statement (string_value) @import)
(import_statement (call_expression (arguments) @import.inside))
(import_statement (call_expression (arguments (string_value) @import)))
(comment) @comment.inside

(block) @block.inside
(keyframe_block_list) @block.inside
(media_statement (block) @block.inside)
(supports_statement (block) @block.inside)
