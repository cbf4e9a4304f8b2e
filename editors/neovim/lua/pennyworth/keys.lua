-- Keys: the `<Plug>` mappings, and the keys of the options, which do what they did before if no suggestion is shown.
local M = {}

local PLUGS = {
  accept = '<Plug>(PennyworthAccept)',
  accept_word = '<Plug>(PennyworthAcceptWord)',
  accept_line = '<Plug>(PennyworthAcceptLine)',
  next = '<Plug>(PennyworthNext)',
  dismiss = '<Plug>(PennyworthDismiss)',
  trigger = '<Plug>(PennyworthTrigger)',
}
-- Tasks on demand, in normal mode for the item at the cursor, and in visual mode for the selected lines.
local TASKS = {
  document = '<Plug>(PennyworthDocument)',
  fix = '<Plug>(PennyworthFix)',
  edit = '<Plug>(PennyworthEdit)',
  tests = '<Plug>(PennyworthTests)',
  explaincode = '<Plug>(PennyworthExplainCode)',
  review = '<Plug>(PennyworthReview)',
  commit = '<Plug>(PennyworthCommit)',
}
local DESCRIPTION = 'Pennyworth: '

-- The earlier mapping of each key that we mapped, so that a second call of `setup` can restore it.
local ours = {}

local function keycodes(keys) return vim.api.nvim_replace_termcodes(keys, true, true, true) end

--- Does what a key did before: its earlier mapping, or itself.
local function fall_back(key, earlier)
  if earlier.callback then
    local result = earlier.callback()
    if earlier.expr ~= 1 or type(result) ~= 'string' then return end
    local keys = earlier.replace_keycodes == 1 and keycodes(result) or result
    return vim.api.nvim_feedkeys(keys, earlier.noremap == 1 and 'in' or 'im', false)
  end
  if not earlier.rhs then return vim.api.nvim_feedkeys(keycodes(key), 'in', false) end
  local rhs = earlier.expr == 1 and vim.api.nvim_eval(earlier.rhs) or earlier.rhs
  if earlier.expr ~= 1 or earlier.replace_keycodes == 1 then rhs = keycodes(rhs) end
  vim.api.nvim_feedkeys(rhs, earlier.noremap == 1 and 'in' or 'im', false)
end

local function map_one(action, key)
  local earlier = vim.fn.maparg(key, 'i', false, true)
  vim.keymap.set('i', key, function()
    if not require('pennyworth')[action]() then fall_back(key, earlier) end
  end, { desc = DESCRIPTION .. action:gsub('_', ' ') })
  ours[key] = earlier
end

--- Restores the earlier mappings.
local function unmap()
  for key, earlier in pairs(ours) do
    local is_ours = vim.startswith(vim.fn.maparg(key, 'i', false, true).desc or '', DESCRIPTION)
    if is_ours then
      vim.keymap.del('i', key)
      if not vim.tbl_isempty(earlier) then vim.fn.mapset('i', false, earlier) end
    end
  end
  ours = {}
end

--- Maps the `<Plug>`s of tasks. The one to edit waits for the instruction.
local function map_tasks()
  for task, plug in pairs(TASKS) do
    local rest = task == 'edit' and ' ' or '<CR>'
    vim.keymap.set({ 'n', 'x' }, plug, ':Pennyworth ' .. task .. rest, { desc = DESCRIPTION .. task, silent = task ~= 'edit' })
  end
end

--- Maps the keys of the options, and unmaps those of an earlier call.
---@param keymaps table<string, string|false>
function M.map(keymaps)
  unmap()
  map_tasks()
  for action, plug in pairs(PLUGS) do
    vim.keymap.set('i', plug, function() require('pennyworth')[action]() end, { desc = DESCRIPTION .. action:gsub('_', ' ') })
    local key = keymaps[action]
    if type(key) == 'string' and key ~= '' then map_one(action, key) end
  end
end

return M
