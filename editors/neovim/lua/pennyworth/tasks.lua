-- Tasks on demand: a range of lines becomes a command of the server, and its result a preview, a text or a message in a commit. An edit is applied
-- only from its preview, and only to the text that it is for. It leaves the tasks, and showing findings, to the server.
local client = require('pennyworth.client')
local api = vim.api
local M = {}

local COMMANDS = {
  document = 'pennyworth.document',
  fix = 'pennyworth.fix',
  edit = 'pennyworth.edit',
  tests = 'pennyworth.tests',
  explaincode = 'pennyworth.explainCode',
  review = 'pennyworth.review',
  commit = 'pennyworth.commit',
}

-- The request that runs: its server and number.
local running

local function say(message, level) vim.notify('Pennyworth: ' .. message, level or vim.log.levels.INFO) end

--- The subcommands, in alphabetical order.
function M.names()
  local names = vim.tbl_keys(COMMANDS)
  table.sort(names)
  return names
end

--- What is reported of some lines of a buffer, by others than the server; lines are counted from 1.
local function reported(buf, first, last)
  local found = {}
  for _, each in ipairs(vim.diagnostic.get(buf)) do
    if each.source ~= 'pennyworth' and each.lnum < last and (each.end_lnum or each.lnum) >= first - 1 then
      -- Columns here are bytes; the server only looks at the lines.
      local range = { start = { line = each.lnum, character = 0 }, ['end'] = { line = each.end_lnum or each.lnum, character = 1 } }
      found[#found + 1] = { range = range, message = each.message }
    end
  end
  return found
end

local function lines_of(buf) return api.nvim_buf_get_lines(buf, 0, -1, false) end

--- The document that an edit changes.
local function target(edit)
  local changes = edit.documentChanges or {}
  local last = changes[#changes]
  return last and last.textDocument and last.textDocument.uri or next(edit.changes or {})
end

--- Shows what an edit changes, beside the text: `<CR>` applies it, `q` leaves it.
---@param asked { buf: integer, lines: string[] } the text that it is for
local function preview(server, told, asked)
  local uri = target(told.edit)
  local buf, back = vim.uri_to_bufnr(uri), api.nvim_get_current_win()
  vim.fn.bufload(buf)
  vim.cmd('tab split')
  api.nvim_win_set_buf(0, buf)
  vim.cmd.diffthis()
  local shown = api.nvim_create_buf(false, true)
  local lines = vim.split(told.text, '\n', { plain = true })
  if lines[#lines] == '' then lines[#lines] = nil end
  api.nvim_buf_set_lines(shown, 0, -1, false, lines)
  api.nvim_buf_set_name(shown, ('pennyworth://edit/%d/%s'):format(shown, vim.fs.basename(vim.uri_to_fname(uri))))
  vim.bo[shown].filetype = vim.bo[buf].filetype
  vim.bo[shown].modifiable = false
  vim.bo[shown].bufhidden = 'wipe'
  vim.cmd('rightbelow vertical sbuffer ' .. shown)
  vim.cmd.diffthis()
  vim.wo[0][0].winbar = '<CR> applies this, q leaves it'
  pcall(vim.cmd, 'silent normal! gg]c')
  local tab = api.nvim_get_current_tabpage()
  local function close()
    if api.nvim_tabpage_is_valid(tab) then vim.cmd(api.nvim_tabpage_get_number(tab) .. 'tabclose') end
    if api.nvim_win_is_valid(back) then api.nvim_set_current_win(back) end
  end
  vim.keymap.set('n', 'q', close, { buffer = shown, desc = 'Leave this edit' })
  vim.keymap.set('n', '<CR>', function()
    if not vim.deep_equal(lines_of(asked.buf), asked.lines) then return say('not applied, as the document has changed', vim.log.levels.WARN) end
    close()
    -- The text is the same, so its version does not matter: it also counts what changed and was undone.
    for _, change in ipairs(told.edit.documentChanges or {}) do
      if change.textDocument then change.textDocument.version = nil end
    end
    vim.lsp.util.apply_workspace_edit(told.edit, server.offset_encoding)
    -- A new file has no window yet.
    vim.bo[buf].buflisted = true
    if #vim.fn.win_findbuf(buf) == 0 then api.nvim_win_set_buf(0, buf) end
  end, { buffer = shown, desc = 'Apply this edit' })
end

--- Puts a message at the beginning of a commit's buffer, else shows it.
local function commit(buf, message, show)
  if vim.bo[buf].filetype ~= 'gitcommit' then return show('message', message, 'gitcommit') end
  local lines = vim.split(vim.trim(message), '\n', { plain = true })
  local is_empty = api.nvim_buf_get_lines(buf, 0, 1, false)[1] == ''
  api.nvim_buf_set_lines(buf, 0, is_empty and 1 or 0, false, lines)
end

--- Stops the task that runs.
function M.cancel()
  if not running then return say('no task runs') end
  client.call(running.server, 'cancel_request', running.id)
  running = nil
  say('cancelled')
end

--- Lists the jobs that are queued, and takes or throws away the result of the one that is chosen.
function M.jobs()
  local server = client.any()
  if not server then return say('no server runs here. `:checkhealth pennyworth` says why.', vim.log.levels.WARN) end
  local function act(job)
    local is_ready = job.state == 'done' or job.state == 'outdated'
    local actions = is_ready and { 'take', 'discard' } or { 'discard' }
    vim.ui.select(actions, { prompt = job.title }, function(action)
      if not action then return end
      client.execute(server, 'pennyworth.jobs', { { action = action, id = job.id } }, function(_, fault)
        if fault then say(fault, vim.log.levels.ERROR) end
      end)
    end)
  end
  client.execute(server, 'pennyworth.jobs', { { action = 'refresh' } }, function(told, fault)
    if fault then return say(fault, vim.log.levels.ERROR) end
    if not told or #told.jobs == 0 then return say('no jobs are queued') end
    local function line(job) return ('%s: %s, $%.4f'):format(job.title, job.state, job.cost_usd) end
    vim.ui.select(told.jobs, { prompt = 'Queued jobs', format_item = line }, function(job) if job then act(job) end end)
  end)
end

--- Runs a task on lines of the current buffer, counted from 1. `show` shows a text in a window of its own.
---@param name string
---@param range { [1]: integer, [2]: integer }
---@param instruction? string
---@param show fun(name: string, text: string, filetype?: string)
---@param is_later boolean whether nobody waits for it
function M.run(name, range, instruction, show, is_later)
  local buf, server = api.nvim_get_current_buf(), client.any()
  if not server then return say('no server runs here. `:checkhealth pennyworth` says why.', vim.log.levels.WARN) end
  local first, last = unpack(range)
  local asked = {
    uri = vim.uri_from_bufnr(buf),
    -- One line stands for its item.
    range = { start = { line = first - 1, character = 0 }, ['end'] = { line = last - 1, character = 1 } },
    instruction = instruction ~= '' and instruction or nil,
    diagnostics = name == 'fix' and reported(buf, first, last) or nil,
    later = is_later or nil,
    -- The server marks findings itself, and shows what nobody waits for.
    returns = (name ~= 'review' and not is_later) or nil,
  }
  if name == 'fix' and #asked.diagnostics == 0 then return say('nothing is reported in these lines', vim.log.levels.WARN) end
  say(name .. ' …')
  local this = { server = server }
  local text = { buf = buf, lines = lines_of(buf) }
  local _, id = client.execute(server, COMMANDS[name], { asked }, function(told, fault)
    local is_cancelled = running ~= this
    if not is_cancelled then running = nil end
    if is_cancelled and fault then return end
    if fault then return say(fault, vim.log.levels.ERROR) end
    if not told then return end
    if told.why_nothing then return say('there is no result: ' .. told.why_nothing, vim.log.levels.WARN) end
    if told.markdown then show('explanation', told.markdown, 'markdown') end
    if told.message then commit(buf, told.message, show) end
    if told.edit then preview(server, told, text) end
  end)
  this.id = id
  running = this
end

return M
