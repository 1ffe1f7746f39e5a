# Pipelines, substitutions, subshells and background jobs; no line depends on a PID or on the node.
echo ready
read -r line
rounds=$1
while [ "$rounds" -gt 0 ]; do
	rounds=$((rounds - 1))
	echo "substituted $(echo one; echo two | tr a-z A-Z) $(printf '%s' "$(expr 6 \* 7)")"
	seq 1000 | grep 7 | sort -rn | head -3
	(cd /usr && pwd; exit 3)
	echo "subshell $? in $(basename "$(pwd)")"
	sleep 0.05 &
	wait $!
	echo "background $?"
	sleep 30 &
	kill $!
	wait $! 2>/dev/null
	echo "killed $?"
	x=0
	for i in 1 2 3; do x=$((x + $(echo "$i"))); done
	echo "sum $x"
	echo content >file.tmp
	while read -r word; do echo "read $word"; done <file.tmp
	{ echo one; (echo two); echo three; } >file.tmp
	cat file.tmp
	trap 'echo trapped' USR1
	sh -c "kill -USR1 $$"
	false | true
	echo "status $?"
	/no/such/program 2>/dev/null
	echo "missing $?"
	cat <<END
here $(uname -s)
END
done
echo done
read -r line && exit 6
exit 5
