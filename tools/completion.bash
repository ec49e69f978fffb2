# bash completion for weir(1)
_weir() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]}
    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        mapfile -t COMPREPLY < <(compgen -W "run test model serve-model watch help --help --version" -- "$cur")
        return
    fi
    case $prev in
        -e | -D | -j | --memory | --filter | --timeout) return ;;
        --data) mapfile -t COMPREPLY < <(compgen -d -- "$cur"); return ;;
        --stats) mapfile -t COMPREPLY < <(compgen -W "json" -- "$cur"); return ;;
    esac
    case $command:$cur in
        run:-*) mapfile -t COMPREPLY < <(compgen -W "-D -e --memory --catalog --stats --record --replay --checkpoint-dir --resume --from-savepoint --allow-non-restored-state --help" -- "$cur") ;;
        serve-model:-*) mapfile -t COMPREPLY < <(compgen -W "--listen --token-file --threads --max-body --help" -- "$cur") ;;
        serve-model:*) mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
        test:-*) mapfile -t COMPREPLY < <(
            compgen -W "-D -j --data --filter --known --exempt --materialised --record --timeout --help" -- "$cur") ;;
        model:-*) mapfile -t COMPREPLY < <(compgen -W "--tolerance --absolute --help" -- "$cur") ;;
        model:*) [ "$COMP_CWORD" -gt 2 ] || mapfile -t COMPREPLY < <(compgen -W "show predict check export" -- "$cur") ;;
        run:*) mapfile -t COMPREPLY < <(compgen -d -- "$cur"; compgen -f -X '!*.sql' -- "$cur") ;;
        test:*) mapfile -t COMPREPLY < <(compgen -d -- "$cur"; compgen -f -X '!*.test' -- "$cur") ;;
    esac
}
complete -o filenames -F _weir weir
