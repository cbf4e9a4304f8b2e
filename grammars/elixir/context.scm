; The task at a place in Elixir, by the innermost node around it. `.inside`: only behind the node's own start.

(source) @top_level

; Statements
(binary_operator operator: ["=" "<-" "\\\\"] right: (_) @expression)
(stab_clause right: (body) @block)
(stab_clause left: (arguments) @parameter)
(unary_operator operator: "@" operand: (call (arguments (_) @expression)))
(access_call key: (_) @expression)

; Lists
(arguments) @argument
(list) @literal.inside
(tuple) @literal.inside
(map) @literal.inside
(map_content) @literal
(call target: (identifier) @_def (arguments (call (arguments) @parameter.inside))
  (#any-of? @_def "def" "defp" "defmacro" "defmacrop" "defguard"))
(call target: (identifier) @_import (arguments) @import
  (#any-of? @_import "alias" "import" "require" "use"))
(call target: (identifier) @_if (arguments) @condition
  (#any-of? @_if "if" "unless" "case"))

; Texts
(string) @string.inside
(charlist) @string.inside
(sigil) @string.inside
(interpolation (_) @expression)
(comment) @comment.inside

; Bodies
(do_block) @block.inside
(else_block) @block.inside
(rescue_block) @line.inside
(after_block) @block.inside
(catch_block) @line.inside
(anonymous_function) @block.inside
(call target: (identifier) @_if (do_block) @line.inside (#any-of? @_if "case" "cond" "receive" "with"))
(call target: (identifier) @_def (do_block) @function.inside
  (#any-of? @_def "def" "defp" "defmacro" "defmacrop" "test" "property" "setup"))
(call target: (identifier) @_module (do_block) @type_body.inside
  (#any-of? @_module "defmodule" "defprotocol" "defimpl" "describe"))
