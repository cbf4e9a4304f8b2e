-- Drives a second Neovim over RPC key by key, as a user types. It waits for conditions, never for a time; the times are limits.
-- It leaves the checks to the tests.
local M = {}

local LIMIT = tonumber(vim.env.LIMIT_MS) or 60000
local failed, passed = 0, 0

--- Reports whether something holds; if not, what was found instead.
function M.check(what, holds, found)
  if holds then
    passed = passed + 1
    io.stdout:write('ok: ' .. what .. '\n')
  else
    failed = failed + 1
    io.stdout:write(('FAILED: %s (found: %s)\n'):format(what, type(found) == 'string' and found or vim.inspect(found)))
  end
  return holds
end

--- Reports whether two values are the same.
function M.same(what, found, wanted)
  return M.check(what .. (vim.deep_equal(found, wanted) and '' or (': wanted ' .. vim.inspect(wanted))), vim.deep_equal(found, wanted), found)
end

--- Waits until a function gives a value; reports the last one that it gave.
function M.becomes(what, wanted, get)
  local found
  vim.wait(LIMIT, function()
    found = get()
    return vim.deep_equal(found, wanted)
  end, 5)
  return M.same(what, found, wanted)
end

--- Reports that something was not checked.
function M.skip(what) io.stdout:write('SKIPPED: ' .. what .. '\n') end

--- Prints the totals and exits.
function M.finish()
  io.stdout:write(('%d passed, %d failed\n'):format(passed, failed))
  os.exit(failed == 0 and passed > 0 and 0 or 1)
end

local Editor = {}
Editor.__index = Editor

--- Starts a Neovim with an init file, on a file, and waits until it has read both.
function M.start(init, file)
  local command = { vim.v.progpath, '--embed', '--headless', '--clean', '-n', '-u', init, file }
  local channel = vim.fn.jobstart(command, { rpc = true })
  assert(channel > 0, 'Neovim does not start')
  local editor = setmetatable({ channel = channel }, Editor)
  M.becomes('Neovim starts with ' .. vim.fs.basename(file), 1, function() return editor:lua('return vim.v.vim_did_enter') end)
  return editor
end

function Editor:call(method, ...) return vim.rpcrequest(self.channel, method, ...) end

--- Runs Lua in it with the arguments `...`; returns its result.
function Editor:lua(code, ...) return self:call('nvim_exec_lua', code, { ... }) end

--- Presses keys, and waits until it has processed them and their effects.
function Editor:keys(keys)
  self:call('nvim_input', keys)
  self:settle()
end

--- Types text key by key; each key is processed before the next one.
function Editor:type(text)
  for key in text:gmatch('[%z\1-\127\194-\244][\128-\191]*') do
    self:keys(key == '<' and '<lt>' or key == '\n' and '<CR>' or key)
  end
end

--- Waits until it has read all keys. It answers a request behind them only after that.
function Editor:settle()
  -- The first answer may come while it reads keys, the second comes after that.
  for _ = 1, 2 do self:lua('return vim.fn.getcharstr(1) and nil or true') end
end

function Editor:line() return self:call('nvim_get_current_line') end
function Editor:text() return table.concat(self:call('nvim_buf_get_lines', 0, 0, -1, false), '\n') end
function Editor:mode() return self:call('nvim_get_mode').mode end

--- The suggestion as it is drawn, lines joined; empty if there is none. For our plugin's marks, or Neovim's own.
function Editor:ghost(namespace)
  return self:lua([[
    local namespace = vim.api.nvim_get_namespaces()[...]
    if not namespace then return '' end
    local first, below = '', ''
    for _, mark in ipairs(vim.api.nvim_buf_get_extmarks(0, namespace, 0, -1, { details = true })) do
      for _, chunk in ipairs(mark[4].virt_text or {}) do first = first .. chunk[1] end
      for _, line in ipairs(mark[4].virt_lines or {}) do
        below = below .. '\n'
        for _, chunk in ipairs(line) do below = below .. chunk[1] end
      end
    end
    return first .. below
  ]], namespace or 'pennyworth')
end

--- Quits, and waits until it has ended.
function Editor:quit()
  vim.fn.chanclose(self.channel)
  vim.fn.jobwait({ self.channel }, LIMIT)
end

--- The faults in an LSP log. Neovim logs a server's stderr as errors; those lines are the server's own and do not count.
function M.faults(path)
  if vim.fn.filereadable(path) == 0 then return {} end
  return vim.tbl_filter(function(entry)
    local is_fault = vim.startswith(entry, '[ERROR]') or vim.startswith(entry, '[WARN]')
    return is_fault and not entry:find('"stderr"', 1, true)
  end, vim.fn.readfile(path))
end

return M
