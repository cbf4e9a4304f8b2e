; The task at a place in Terraform and other HCL, by the innermost node around it. `.inside`: only behind the node's own start.

(config_file) @top_level
(config_file (body) @top_level)
(attribute (expression) @expression)
(block) @line

; Lists, values
(function_arguments) @argument
(function_call) @line
(function_call (identifier) @expression)
(function_call "(" @argument.inside)
(tuple) @literal.inside
(object) @literal.inside
(object_elem val: (_) @expression)
(new_index (expression) @expression)
(for_intro (expression) @expression)
(for_cond (expression) @condition)
(conditional . (_) @condition)

; Texts
(quoted_template) @string.inside
(string_lit) @string.inside
(heredoc_template) @string.inside
(template_interpolation (expression) @expression)
(template_if_intro (expression) @condition)
(template_for_start (expression) @expression)
(comment) @comment.inside

; Bodies
(block (body) @block)
