-- `:Pennyworth`: its subcommands, and where their answers are shown. It leaves the text of the answers to the server.
local client = require('pennyworth.client')
local config = require('pennyworth.config')
local tasks = require('pennyworth.tasks')
local M = {}

local function say(message, level) vim.notify('Pennyworth: ' .. message, level or vim.log.levels.INFO) end

--- Runs a command of this buffer's server, or of any, and passes on the result; shows an error.
local function ask(command, arguments, callback)
  local server = client.any()
  if not server then return say('no server runs here. `:checkhealth pennyworth` says why.', vim.log.levels.WARN) end
  client.execute(server, command, arguments, function(result, fault)
    if fault then return say(fault, vim.log.levels.ERROR) end
    callback(result or {}, server)
  end)
end

--- Shows text in a window of its own, which `q` closes.
local function show(name, text, filetype)
  local lines = vim.split(vim.trim(text), '\n', { plain = true })
  local buf = vim.api.nvim_create_buf(false, true)
  vim.api.nvim_buf_set_lines(buf, 0, -1, false, lines)
  vim.bo[buf].modifiable = false
  vim.bo[buf].bufhidden = 'wipe'
  vim.cmd('botright ' .. math.min(#lines + 1, math.floor(vim.o.lines / 2)) .. 'split')
  vim.api.nvim_win_set_buf(0, buf)
  vim.api.nvim_buf_set_name(buf, ('pennyworth://%s/%d'):format(name, buf))
  vim.bo[buf].filetype = filetype or ''
  vim.wo[0][0].wrap = false
  vim.keymap.set('n', 'q', '<Cmd>close<CR>', { buffer = buf, desc = 'Close' })
end

--- Pauses or resumes all servers, because a user with several workspaces open means all of them.
local function pause(is_paused, language)
  local wanted = { paused = is_paused, language = language }
  local servers = client.all()
  if #servers == 0 then return say('no server runs here. `:checkhealth pennyworth` says why.', vim.log.levels.WARN) end
  for index, server in ipairs(servers) do
    client.execute(server, 'pennyworth.pause', { wanted }, function(_, fault)
      if fault then return say(fault, vim.log.levels.ERROR) end
      if index == 1 then say((is_paused and 'paused' or 'resumed') .. (language and ' for ' .. language or '')) end
    end)
  end
  if is_paused then require('pennyworth.suggestion').stop() end
end

--- Opens the configuration; if there is none yet, the commented one that the server proposes.
local function open_config(path)
  vim.cmd.edit(vim.fn.fnameescape(path))
  local cmd = config.now.cmd
  if vim.uv.fs_stat(path) or type(cmd) == 'function' or vim.fn.line('$') > 1 then return end
  local proposed = vim.fn.systemlist(vim.list_extend(vim.deepcopy(cmd), { 'init', '--print' }))
  if vim.v.shell_error ~= 0 then return end
  vim.api.nvim_buf_set_lines(0, 0, -1, false, proposed)
  vim.fn.mkdir(vim.fs.dirname(path), 'p')
  say('this is a proposal; `:w` makes it your configuration')
end

local commands = {}

function commands.status()
  ask('pennyworth.status', {}, function(status) say(table.concat(require('pennyworth.status').lines(status), '\n')) end)
end

function commands.stats()
  ask('pennyworth.stats', {}, function(result) show('stats', result.markdown or '', 'markdown') end)
end

function commands.explain()
  local server = client.any()
  local place = vim.lsp.util.make_position_params(0, server and server.offset_encoding or 'utf-16')
  ask('pennyworth.explain', { place.textDocument.uri, place.position }, function(result) show('explain', result.text or '') end)
end

function commands.check()
  ask('pennyworth.check', {}, function(result) show('check', result.text or '') end)
end

function commands.pause(language) pause(true, language) end
function commands.resume(language) pause(false, language) end

function commands.toggle()
  -- Asked for, because the current buffer may have no server, and the last notification may be older than the last pause.
  ask('pennyworth.status', {}, function(status)
    -- Settings that switch everything off hide the pause in `state`.
    local is_paused = status.paused
    if is_paused == nil then is_paused = status.state == 'paused' end
    pause(not is_paused)
  end)
end

function commands.log()
  ask('pennyworth.files', {}, function(files)
    local path = files.log ~= vim.NIL and files.log or require('vim.lsp.log').get_filename()
    vim.cmd('botright split ' .. vim.fn.fnameescape(path))
    vim.cmd('normal! G')
  end)
end

function commands.config()
  ask('pennyworth.files', {}, function(files) open_config(files.config) end)
end

function commands.restart() client.restart() end
function commands.cancel() tasks.cancel() end
function commands.jobs() tasks.jobs() end

local function run(call)
  local name, argument = call.fargs[1] or 'status', call.fargs[2]
  if vim.tbl_contains(tasks.names(), name) then
    local instruction = vim.trim(call.args:sub(#name + 1))
    return tasks.run(name, { call.line1, call.line2 }, instruction, show, call.bang)
  end
  local command = commands[name]
  if not command then return say(('no command `%s`; known: %s'):format(name, table.concat(M.names(), ', ')), vim.log.levels.ERROR) end
  command(argument)
end

--- All subcommands, sorted.
function M.names()
  local names = vim.list_extend(vim.tbl_keys(commands), tasks.names())
  table.sort(names)
  return names
end

local function complete(lead, line)
  -- A range may stand before the command.
  local before = vim.split(line:sub(1, #line - #lead):gsub('^.-(P%a*%s)', '%1'), '%s+', { trimempty = true })
  local offered = {}
  if #before == 1 then offered = M.names() end
  if #before == 2 and (before[2] == 'pause' or before[2] == 'resume') then offered = { vim.bo.filetype } end
  return vim.tbl_filter(function(name) return vim.startswith(name, lead) end, offered)
end

--- Creates the command.
function M.create()
  vim.api.nvim_create_user_command('Pennyworth', run, { nargs = '*', range = true, bang = true, complete = complete, desc = 'Talk to the Pennyworth server', force = true })
end

return M
