-- The server process: starts it for the buffers it serves, restarts it, and reports its end once. It uses Neovim's own client, whose
-- differences between versions stay in here. It leaves the content of the messages to the other files.
local config = require('pennyworth.config')
local follow = require('pennyworth.follow')
local api = vim.api
local M = {}

M.NAME = 'pennyworth'

local is_old = vim.fn.has('nvim-0.11') == 0
-- Servers that we are stopping.
local stopping = {}
-- Messages that were shown, and are not shown again until a restart.
local told = {}

--- Calls a method of a client. In 0.10 methods are plain functions.
function M.call(client, method, ...)
  if is_old then return client[method](...) end
  return client[method](client, ...)
end

--- The initialized server of a buffer, unless the buffer was switched off since.
---@param buf? integer
---@return vim.lsp.Client?
function M.of(buf)
  buf = buf or api.nvim_get_current_buf()
  if vim.b[buf].pennyworth == false then return end
  return vim.lsp.get_clients({ name = M.NAME, bufnr = buf })[1]
end

--- All running servers.
---@return vim.lsp.Client[]
function M.all() return vim.lsp.get_clients({ name = M.NAME }) end

--- The server of the current buffer, else any server.
---@return vim.lsp.Client?
function M.any() return M.of() or M.all()[1] end

--- Sends a request about a buffer, after its pending edits. It passes the buffer's own number, because only then does Neovim send
--- those edits first.
function M.request(client, method, params, callback, buf)
  local missed = follow.missed(buf)
  if missed then M.call(client, 'notify', 'textDocument/didChange', missed) end
  return M.call(client, 'request', method, params, callback, buf)
end

--- Runs a command of the server; `callback` gets its result, or the error's message. Returns what a request does: whether it was sent, and its number.
function M.execute(client, command, arguments, callback)
  local params = { command = command, arguments = arguments }
  local function answered(fault, result) callback(result ~= vim.NIL and result or nil, fault and fault.message) end
  return M.request(client, 'workspace/executeCommand', params, answered, api.nvim_get_current_buf())
end

--- Shows a message once.
local function tell(key, message)
  if told[key] then return end
  told[key] = true
  vim.schedule(function() vim.notify('Pennyworth: ' .. message, vim.log.levels.WARN) end)
end

-- Which buffers ------------------------------------------------------------------------------------------------------------------

--- Why a buffer is not served; nil if it is.
---@param buf integer
---@return string?
function M.reason_against(buf)
  if not api.nvim_buf_is_loaded(buf) or vim.bo[buf].buftype ~= '' then return 'it is not a file' end
  if vim.b[buf].pennyworth == false then return 'b:pennyworth is false' end
  local name = api.nvim_buf_get_name(buf)
  if name == '' then return 'it has no name' end
  if name:match('^%a[%w+.-]+://') then return 'its name is a URL' end
  if not vim.bo[buf].modifiable then return 'it cannot be changed' end
  local filetype = vim.bo[buf].filetype
  if not config.serves(filetype) then return ('the filetype `%s` is switched off'):format(filetype) end
  local bytes = api.nvim_buf_get_offset(buf, api.nvim_buf_line_count(buf))
  if bytes > config.now.max_bytes then return ('it is larger than %d bytes'):format(config.now.max_bytes) end
end

-- Starting and ending ------------------------------------------------------------------------------------------------------------

--- Starts the process. We report its end with what to do about it, and suppress Neovim's own message.
local function spawn(dispatchers)
  local ended = dispatchers.on_exit
  dispatchers.on_exit = function(code, signal)
    ended(0, 0)
    if code ~= 0 or not vim.tbl_contains({ 0, 15 }, signal) then
      tell('ended', ('the server ended unexpectedly (%s %d). `:Pennyworth restart` starts it again, `:Pennyworth log` may show why.')
        :format(signal ~= 0 and 'signal' or 'code', signal ~= 0 and signal or code))
    end
  end
  local cmd = config.now.cmd
  return type(cmd) == 'function' and cmd(dispatchers) or vim.lsp.rpc.start(cmd, dispatchers)
end

local function capabilities()
  local all = vim.lsp.protocol.make_client_capabilities()
  -- Later versions announce it themselves. To a client with this capability the server offers no menu items.
  all.textDocument.inlineCompletion = all.textDocument.inlineCompletion or { dynamicRegistration = false }
  return all
end

local function on_init(client)
  -- Neovim 0.12 and later would show every suggestion a second time. It looks here for servers to ask.
  client.server_capabilities.inlineCompletionProvider = nil
end

local function on_exit(_, _, id)
  vim.schedule(function()
    require('pennyworth.suggestion').stop()
    require('pennyworth.status').ended(id, stopping[id] == true)
    stopping[id] = nil
  end)
end

local LEVELS = { vim.log.levels.ERROR, vim.log.levels.WARN, vim.log.levels.INFO, vim.log.levels.DEBUG }

--- Shows a message of the server in one line, so that Neovim does not ask to press Enter. `:Pennyworth status` has it whole while it holds.
local function show_message(_, message)
  local line = message.message:gsub('%s+', ' ')
  local room = vim.v.echospace
  if #vim.api.nvim_list_uis() > 0 and vim.fn.strdisplaywidth(line) > room then
    local more = '… (:Pennyworth status)'
    line = vim.fn.strcharpart(line, 0, room - vim.fn.strdisplaywidth(more)) .. more
  end
  vim.notify(line, LEVELS[message.type] or vim.log.levels.INFO)
  return vim.NIL
end

--- Whether the server can be started; if not, shows one message.
local function is_there()
  local cmd = config.now.cmd
  if type(cmd) == 'function' or vim.fn.executable(cmd[1]) == 1 then return true end
  tell('absent', ('`%s` was not found. Install the server or name it: `setup { cmd = { … } }`. `:checkhealth pennyworth` shows more.'):format(cmd[1]))
  return false
end

--- Attaches a buffer to the server of its workspace, which it starts if need be.
---@param buf integer
function M.attach(buf)
  if M.reason_against(buf) or not is_there() then return end
  follow.watch(buf)
  local root = vim.fs.root(buf, config.now.root_markers)
  local restricted = config.now.restricted
  if type(restricted) == 'function' then restricted = restricted(root) end
  local settings = vim.empty_dict()
  for key, value in pairs(config.now.settings) do settings[key] = value end
  local options = vim.tbl_extend('force', settings, { restricted = restricted and true or nil })
  vim.lsp.start({
    name = M.NAME,
    cmd = spawn,
    root_dir = root,
    settings = { pennyworth = settings },
    init_options = options,
    capabilities = capabilities(),
    handlers = { ['window/showMessage'] = show_message },
    on_init = on_init,
    on_exit = on_exit,
  }, {
    bufnr = buf,
    reuse_client = function(client)
      return client.name == M.NAME and client.config.root_dir == root and not M.call(client, 'is_stopped') and not stopping[client.id]
    end,
  })
end

--- Starts the server for every loaded buffer that it serves.
local function attach_all() vim.iter(api.nvim_list_bufs()):filter(api.nvim_buf_is_loaded):each(M.attach) end

--- Restarts every server.
function M.restart()
  local clients = M.all()
  told = {}
  for _, client in ipairs(clients) do
    stopping[client.id] = true
    M.call(client, 'stop')
  end
  -- Kills those that did not stop when asked.
  local ended = vim.wait(3000, function() return #M.all() == 0 end, 10)
  if not ended then
    for _, client in ipairs(M.all()) do M.call(client, 'stop', true) end
  end
  attach_all()
end

--- Serves the open buffers, and those opened later.
function M.watch()
  api.nvim_create_autocmd({ 'FileType', 'BufFilePost' }, {
    group = api.nvim_create_augroup('pennyworth.client', {}),
    callback = function(event) M.attach(event.buf) end,
  })
  attach_all()
end

return M
