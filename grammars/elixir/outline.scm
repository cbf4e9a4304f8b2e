; Definitions in Elixir: `@definition` around each, `@name` within.

(call target: (identifier) @_module (arguments (alias) @name)
  (#any-of? @_module "defmodule" "defprotocol" "defimpl")) @definition
(call target: (identifier) @_def (arguments (call target: (identifier) @name))
  (#any-of? @_def "def" "defp" "defmacro" "defmacrop")) @definition
