; The task at a place in PowerShell, by the innermost node around it. `.inside`: only behind the node's own start.

(program) @top_level

; Statements
(assignment_expression value: (_) @expression)
(flow_control_statement (_) @return)
(foreach_statement (pipeline) @expression)
(command_elements) @argument

; Conditions
(if_statement condition: (_) @condition)
(elseif_clause condition: (_) @condition)
(while_statement (while_condition) @condition)
(do_statement condition: (_) @condition)
(switch_condition) @condition

; Lists
(argument_list) @argument.inside
(param_block) @parameter.inside
(function_parameter_declaration) @parameter.inside
(class_method_parameter_list) @parameter
(array_expression) @literal.inside
(hash_literal_expression) @literal.inside
(hash_entry (_) (_) @expression)

; Types
(type_literal) @type.inside

; Texts
(string_literal) @string.inside
(sub_expression) @expression.inside
(comment) @comment.inside

; Bodies
(statement_block) @block.inside
(script_block_expression) @block.inside
(function_statement "{" @function)
(function_statement (script_block) @function)
(class_statement) @type_body.inside
(class_method_definition (script_block) @function)
