"""Commands beside one that runs on: at the end of each, all that it left is killed, and the other's tree is spared.

A container's processes are no tree of ours: who starts another and ends leaves it to process 1. So what is spared is
found from above, by the process that `open` started, whose id its shell tells before it becomes the command.
"""

from collections.abc import Iterable

# Its own id as the first line, then the command in its place. 126: no such folder; 127: no such command.
TELL_AND_BECOME = 'echo $$; cd -- "$1" || exit 126; shift; exec "$@"'

# Ends all processes of this user but this shell and the trees below the ids in $spared, with the shell's own means:
# an image may have nothing else. Again while something could be killed, as it may have forked meanwhile; what cannot
# be (another user's, as a service) is left. A process's name can hold anything, so its line is cut after the last ")".
_END_THE_REST = r"""
rounds=0 some=1
while [ $some ] && [ $rounds -lt 20 ]; do
  rounds=$((rounds + 1)) some= all= tree=" $spared " grown=1
  for file in /proc/[0-9]*/stat; do
    read -r line <$file || continue
    pid=${line%% *}
    set -- ${line##*) }
    [ "$1" = Z ] || all="$all $pid:$2"
  done
  while [ $grown ]; do
    grown=
    for each in $all; do
      case $tree in *" ${each%:*} "*) continue ;; esac
      case $tree in *" ${each#*:} "*) tree="$tree${each%:*} " grown=1 ;; esac
    done
  done
  for each in $all; do
    case "$tree$$ 1 " in *" ${each%:*} "*) ;; *) kill -9 ${each%:*} && some=1 ;; esac
  done
done
"""
_KILL_ALL = "kill -9 -1"
# Until they are gone and reaped, as far as that takes no longer than some milliseconds.
_WAIT_FOR_NONE = "n=0; while kill -0 -1 && [ $n -lt 1000 ]; do n=$((n + 1)); done"


def ending(spared: Iterable[int], *, is_waiting: bool = False) -> str:
    """Shell text that ends this user's processes but for these trees; as `kill -9 -1` where there is none."""
    ids = " ".join(map(str, spared))
    if ids:
        return f"spared='{ids}'\n{_END_THE_REST}"
    return f"{_KILL_ALL}; {_WAIT_FOR_NONE}" if is_waiting else _KILL_ALL


def end_all_but(spared: Iterable[int]) -> list[str]:
    return ["/bin/sh", "-c", f"exec 2>/dev/null; {ending(spared)}"]


def entering(spared: Iterable[int], *, is_waiting: bool = False) -> str:
    """Shell text that enters the folder $1, runs the command after it, and ends what that left running.

    The shell's own remarks on how a command ended are dropped. 126: no such folder; 127: no such command.
    """
    enter = 'cd -- "$1" || exit 126; shift; exec 9>&2 2>/dev/null; "$@" 2>&9 9>&-; code=$?'
    return f"{enter}\n{ending(spared, is_waiting=is_waiting)}\nexit $code"
