-- A language server inside the editor that answers as a test wants and records what it receives. For answers that the real one does not
-- give on demand: late, wrong or of a certain form.
local M = {
  -- Every message received: method and params, in order.
  received = {},
  -- The answer to inline completion, as a function of the params; nil for none. `M.HOLD` holds the answer back.
  answer = function() end,
  HOLD = {},
  -- Callbacks of the answers that are held back, in order.
  held = {},
  -- The results of commands, by name.
  results = {},
  encoding = 'utf-16',
  inlineCompletion = true,
}

local function capabilities()
  return {
    positionEncoding = M.encoding,
    textDocumentSync = { openClose = true, change = 2 },
    inlineCompletionProvider = M.inlineCompletion,
    executeCommandProvider = { commands = { 'pennyworth.accepted' } },
  }
end

--- The `cmd` of a client.
function M.start(dispatchers)
  local is_over, number = false, 0
  M.dispatchers = dispatchers
  local server = {}
  local function respond(method, params, callback)
    if method == 'initialize' then return callback(nil, { capabilities = capabilities() }) end
    if method == 'workspace/executeCommand' then return callback(nil, M.results[params.command] or vim.NIL) end
    if method ~= 'textDocument/inlineCompletion' then return callback(nil, vim.NIL) end
    local answer = M.answer(params)
    if answer == M.HOLD then
      M.held[#M.held + 1] = callback
    else
      callback(nil, answer or vim.NIL)
    end
  end
  function server.request(method, params, callback, notify)
    number = number + 1
    local id = number
    M.received[#M.received + 1] = { method = method, params = params, id = id }
    local function reply(fault, result)
      if notify then notify(id) end
      callback(fault, result)
    end
    vim.schedule(function() respond(method, params, reply) end)
    return true, id
  end
  function server.notify(method, params)
    M.received[#M.received + 1] = { method = method, params = params }
    if method == 'exit' then server.terminate() end
    return true
  end
  function server.is_closing() return is_over end
  function server.terminate()
    if not is_over then
      is_over = true
      vim.schedule(function() dispatchers.on_exit(0, 15) end)
    end
  end
  return server
end

--- The messages received by a method.
function M.of(method)
  return vim.tbl_filter(function(message) return message.method == method end, M.received)
end

--- The range around a position that covers text before and behind it.
function M.around(position, before, after)
  local units = M.encoding == 'utf-8' and string.len or vim.fn.strutf16len
  local function at(character) return { line = position.line, character = character } end
  return { start = at(position.character - units(before)), ['end'] = at(position.character + units(after)) }
end

--- An item as the server writes it.
function M.item(text, range)
  return { items = { { insertText = text, range = range, command = { title = 'Accept', command = 'pennyworth.accepted', arguments = { '7' } } } } }
end

return M
