; The task at a place in Go, by the innermost node around it. `.inside`: only behind the node's own start.

(source_file) @top_level

; Statements
(assignment_statement right: (_) @expression)
(short_var_declaration right: (_) @expression)
(var_spec value: (_) @expression)
(const_spec value: (_) @expression)
(return_statement (_) @return)
(send_statement value: (_) @expression)
(range_clause) @expression
(range_clause left: (_) @condition)
(for_clause initializer: (_) @condition)
(for_clause initializer: (short_var_declaration right: (_) @expression))
(for_clause update: (_) @line)
(if_statement initializer: (_) @condition)
(if_statement initializer: (short_var_declaration right: (_) @expression))
(if_statement initializer: (assignment_statement right: (_) @expression))
(index_expression index: (_) @expression)
(slice_expression start: (_) @expression)
(slice_expression end: (_) @expression)
(slice_expression capacity: (_) @expression)
(defer_statement (_) @expression)
(go_statement (_) @expression)
(receive_statement right: (_) @expression)

; Conditions
(if_statement condition: (_) @condition)
(for_statement . (_expression) @condition)
(for_clause condition: (_) @condition)
(expression_switch_statement value: (_) @condition)
(type_switch_statement value: (_) @condition)
(expression_case value: (_) @expression)
(type_case type: (_) @type)

; Lists
(argument_list) @argument.inside
(parameter_list) @parameter.inside
(type_parameter_list) @parameter.inside
(literal_value) @literal.inside

; Types
(parameter_declaration name: (_) type: (_) @type)
(variadic_parameter_declaration type: (_) @type)
(type_parameter_declaration type: (_) @type)
(field_declaration name: (_) type: (_) @type)
(var_spec type: (_) @type)
(const_spec type: (_) @type)
(type_spec type: (_) @type)
(type_alias type: (_) @type)
(function_declaration result: (_) @type)
(method_declaration result: (_) @type)
(method_elem result: (_) @type)
(func_literal result: (_) @type)
(function_type result: (_) @type)
(parameter_list (parameter_declaration name: (_) type: (function_type result: (_) @type)))
(slice_type element: (_) @type)
(array_type element: (_) @type)
(map_type key: (_) @type)
(map_type value: (_) @type)
(channel_type value: (_) @type)
(type_arguments) @type.inside
(type_assertion_expression type: (_) @type)

; Imports, texts
(import_declaration) @import.inside
(package_clause) @line.inside
(interpreted_string_literal) @string.inside
(raw_string_literal) @string.inside
(rune_literal) @string.inside
(import_spec path: (_) @import)
(comment) @comment.inside

; Bodies
(block) @block.inside
(expression_switch_statement) @line.inside
(type_switch_statement) @line.inside
(select_statement) @line.inside
(expression_case (statement_list) @block)
(type_case (statement_list) @block)
(communication_case (statement_list) @block)
(default_case (statement_list) @block)
(function_declaration body: (block) @function.inside)
(method_declaration body: (block) @function.inside)
(func_literal body: (block) @function.inside)
(field_declaration_list) @type_body.inside
(interface_type) @type_body.inside
