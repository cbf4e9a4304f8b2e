; Definitions in Elixir: `@definition` or `@type` around each, `@name` within.

(call target: (identifier) @_module (arguments (alias) @name)
  (#any-of? @_module "defmodule" "defprotocol" "defimpl")) @type
(call target: (identifier) @_def (arguments (call target: (identifier) @name))
  (#any-of? @_def "def" "defp" "defmacro" "defmacrop")) @definition
