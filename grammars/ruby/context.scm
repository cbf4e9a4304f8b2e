; The task at a place in Ruby, by the innermost node around it. `.inside`: only behind the node's own start.

(program) @top_level

; Statements
(assignment right: (_) @expression)
(operator_assignment right: (_) @expression)
(return (argument_list) @return)
(method body: (_) @expression)
(for pattern: (_) @line)
(for value: (_) @expression)
(conditional consequence: (_) @expression)
(conditional alternative: (_) @expression)
(rescue_modifier handler: (_) @expression)
(element_reference (_) (_) @expression)
(interpolation) @expression.inside

; Conditions
(if condition: (_) @condition)
(elsif condition: (_) @condition)
(unless condition: (_) @condition)
(while condition: (_) @condition)
(until condition: (_) @condition)
(if_modifier condition: (_) @condition)
(unless_modifier condition: (_) @condition)
(while_modifier condition: (_) @condition)
(until_modifier condition: (_) @condition)
(if_guard condition: (_) @condition)
(unless_guard condition: (_) @condition)
(case value: (_) @condition)
(case_match value: (_) @condition)
(when pattern: (_) @condition)
(in_clause pattern: (_) @condition)

; Lists
(argument_list) @argument
(argument_list "(") @argument.inside
(return (argument_list) @return)
(break (argument_list) @expression)
(next (argument_list) @expression)
(method_parameters) @parameter
(method_parameters "(") @parameter.inside
(lambda_parameters) @parameter.inside
(block_parameters) @parameter.inside
(optional_parameter value: (_) @expression)
(keyword_parameter value: (_) @expression)
(array) @literal.inside
(hash) @literal.inside
(string_array) @literal.inside
(symbol_array) @literal.inside

; Types
(superclass) @type.inside
(exceptions) @type

; Imports, texts
((call method: (identifier) @_name) @import.inside (#match? @_name "^(require|require_relative|load|autoload)$"))
((call method: (identifier) @_name arguments: (argument_list) @import) (#match? @_name "^(require|require_relative|load|autoload)$"))
(string) @string.inside
(subshell) @string.inside
(regex) @string.inside
(delimited_symbol) @string.inside
(heredoc_body) @string.inside
((call method: (identifier) @_name arguments: (argument_list (string) @import)) (#match? @_name "^(require|require_relative|load|autoload)$"))
(comment) @comment.inside

; Bodies
(then) @block
(else) @block.inside
(do) @block.inside
(begin) @block.inside
(ensure) @block.inside
(do_block body: (_) @block)
(block body: (_) @block)
(method body: (body_statement) @function)
(singleton_method body: (body_statement) @function)
((call method: (identifier) @_name block: (do_block body: (_) @test)) (#any-of? @_name "it" "test" "specify" "example" "scenario"))
(class body: (_) @type_body)
(singleton_class body: (_) @type_body)
(module body: (_) @top_level)
