# Completes sluice in bash. All that it offers it reads from `sluice [COMMAND] --help`.

# Reads that text; prints the names of its options, or what the option $1 takes.
_sluice_options() {
  local wanted=${1-} line names takes
  while IFS= read -r line; do
    # Two spaces and the names; behind a single space more, what the option takes.
    [[ $line =~ ^\ \ (-[^\ ]+)(\ ([^\ ]+))? ]] || continue
    names=${BASH_REMATCH[1]%%\{*} takes=${BASH_REMATCH[3]}
    if [[ -z $wanted ]]; then
      echo "${names//,/ }"
    elif [[ ,$names, == *",$wanted,"* && $takes != Excludes: ]]; then
      echo "$takes"
    fi
  done
}

_sluice() {
  local program=$1 word=$2 previous=$3 command='' help takes
  for help in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    [[ $help == -* ]] || { command=$help && break; }
  done
  help=$("$program" ${command:+"$command"} --help 2>/dev/null) || return
  [[ $previous != -* ]] || takes=$(_sluice_options "$previous" <<<"$help")
  case ${takes-} in
    FILE | DIR) compopt -o default ;;
    *:\{*\}*)
      takes=${takes#*\{}
      takes=${takes%\}*}
      COMPREPLY=($(compgen -W "${takes//,/ }" -- "$word"))
      ;;
    ?*) ;;
    *)
      [[ -n $command ]] || takes=$(sed -n '/^Subcommands:/,$s/^  \([a-z]\+\) .*/\1/p' <<<"$help")
      COMPREPLY=($(compgen -W "${takes-} $(_sluice_options <<<"$help")" -- "$word"))
      ;;
  esac
}

complete -F _sluice sluice
