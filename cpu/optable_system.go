package cpu

// rowsSystem are the instructions of the system side: segments, far transfers, interrupts, ports, control and model-specific registers.
func rowsSystem() []row {
	var all []row
	for _, g := range [][]row{rowsFar(), rowsSegment(), rowsIO(), rowsTables(), rowsControl(), rowsFast()} {
		all = append(all, g...)
	}
	for i := range all {
		all[i].attr |= rowNoGen
	}
	return all
}

func rowsFar() []row {
	return []row{
		{"EA cp", "jmpf", "Ap", rowNo64 | rowEnd, featNone, execJmpFar},
		{"FF /5m", "jmpf", "Mp", rowEnd, featNone, execJmpFarM},
		{"9A cp", "callf", "Ap", rowNo64 | rowEnd, featNone, execCallFar},
		{"FF /3m", "callf", "Mp", rowEnd, featNone, execCallFarM},
		{"CB", "retf", "", rowEnd, featNone, execRetFar},
		{"CA iw", "retf", "Iw", rowEnd, featNone, execRetFar},
		{"CF", "iret", "", rowEnd, featNone, execIret},
		{"CC", "int3", "", rowEnd, featNone, execInt3},
		{"CD ib", "int", "Ib", rowEnd, featNone, execInt},
		{"CE", "into", "", rowNo64 | rowEnd, featNone, execInto},
		{"F1", "int1", "", rowEnd, featNone, execInt1},
		{"FA", "cli", "", 0, featNone, execCli},
		{"FB", "sti", "", rowEnd, featNone, execSti},
		{"F4", "hlt", "", rowEnd | rowPriv, featNone, execHlt},
		{"0F AA", "rsm", "", rowEnd, featNone, execRsm},
		{"0F 0B", "ud2", "", rowEnd, featNone, execUD},
		{"0F B9 /r", "ud1", "Gv Ev", rowEnd, featNone, execUD},
		{"0F FF /r", "ud0", "Gv Ev", rowEnd, featNone, execUD},
	}
}

func rowsSegment() []row {
	return []row{
		{"8C /r", "mov", "Ev Sw", 0, featNone, execMovFromSeg},
		{"8E /r", "mov", "Sw Ew", rowEnd, featNone, execMovToSeg},
		{"06", "push", "ES", rowNo64, featNone, execPushSeg(0)},
		{"0E", "push", "CS", rowNo64, featNone, execPushSeg(1)},
		{"16", "push", "SS", rowNo64, featNone, execPushSeg(2)},
		{"1E", "push", "DS", rowNo64, featNone, execPushSeg(3)},
		{"0F A0", "push", "FS", rowDef64, featNone, execPushSeg(4)},
		{"0F A8", "push", "GS", rowDef64, featNone, execPushSeg(5)},
		{"07", "pop", "ES", rowNo64 | rowEnd, featNone, execPopSeg(0)},
		{"17", "pop", "SS", rowNo64 | rowEnd, featNone, execPopSeg(2)},
		{"1F", "pop", "DS", rowNo64 | rowEnd, featNone, execPopSeg(3)},
		{"0F A1", "pop", "FS", rowDef64 | rowEnd, featNone, execPopSeg(4)},
		{"0F A9", "pop", "GS", rowDef64 | rowEnd, featNone, execPopSeg(5)},
		{"C4 /rm", "les", "Gv Mp", rowNo64 | rowEnd, featNone, execLoadFar(0)},
		{"C5 /rm", "lds", "Gv Mp", rowNo64 | rowEnd, featNone, execLoadFar(3)},
		{"0F B2 /rm", "lss", "Gv Mp", rowEnd, featNone, execLoadFar(2)},
		{"0F B4 /rm", "lfs", "Gv Mp", rowEnd, featNone, execLoadFar(4)},
		{"0F B5 /rm", "lgs", "Gv Mp", rowEnd, featNone, execLoadFar(5)},
		{"63 /r", "arpl", "Ew Gw", rowNo64 | rowProt, featNone, execArpl},
		{"0F 02 /r", "lar", "Gv Ew", rowProt, featNone, execLar},
		{"0F 03 /r", "lsl", "Gv Ew", rowProt, featNone, execLsl},
		{"0F 00 /4", "verr", "Ew", rowProt, featNone, execVerr},
		{"0F 00 /5", "verw", "Ew", rowProt, featNone, execVerw},
		{"F3 0F AE /0r", "rdfsbase", "Ry", rowOnly64, featFSGSBASE, execRdBase(4)},
		{"F3 0F AE /1r", "rdgsbase", "Ry", rowOnly64, featFSGSBASE, execRdBase(5)},
		{"F3 0F AE /2r", "wrfsbase", "Ry", rowOnly64 | rowEnd, featFSGSBASE, execWrBase(4)},
		{"F3 0F AE /3r", "wrgsbase", "Ry", rowOnly64 | rowEnd, featFSGSBASE, execWrBase(5)},
		{"0F 01 F8", "swapgs", "", rowOnly64 | rowEnd | rowPriv, featNone, execSwapgs},
	}
}

func rowsIO() []row {
	return []row{
		{"E4 ib", "in", "AL Ib", rowByte | rowEnd, featNone, execInI},
		{"E5 ib", "in", "eAX Ib", rowEnd, featNone, execInI},
		{"E6 ib", "out", "Ib AL", rowByte | rowEnd, featNone, execOutI},
		{"E7 ib", "out", "Ib eAX", rowEnd, featNone, execOutI},
		{"EC", "in", "AL DX", rowByte | rowEnd, featNone, execInDX},
		{"ED", "in", "eAX DX", rowEnd, featNone, execInDX},
		{"EE", "out", "DX AL", rowByte | rowEnd, featNone, execOutDX},
		{"EF", "out", "DX eAX", rowEnd, featNone, execOutDX},
		{"6C", "insb", "", rowByte | rowEnd, featNone, execIns},
		{"6D", "ins", "", rowEnd, featNone, execIns},
		{"6E", "outsb", "", rowByte | rowEnd, featNone, execOuts},
		{"6F", "outs", "", rowEnd, featNone, execOuts},
	}
}

func rowsTables() []row {
	return []row{
		{"0F 00 /0", "sldt", "Ev", rowProt, featNone, execSldt},
		{"0F 00 /1", "str", "Ev", rowProt, featNone, execStr},
		{"0F 00 /2", "lldt", "Ew", rowProt | rowPriv, featNone, execLldt},
		{"0F 00 /3", "ltr", "Ew", rowProt | rowPriv, featNone, execLtr},
		{"0F 01 /0m", "sgdt", "Ms", 0, featNone, execSgdt},
		{"0F 01 /1m", "sidt", "Ms", 0, featNone, execSidt},
		{"0F 01 /2m", "lgdt", "Ms", rowEnd | rowPriv, featNone, execLgdt},
		{"0F 01 /3m", "lidt", "Ms", rowEnd | rowPriv, featNone, execLidt},
		{"0F 01 /4", "smsw", "Ev", 0, featNone, execSmsw},
		{"0F 01 /6", "lmsw", "Ew", rowEnd | rowPriv, featNone, execLmsw},
		{"0F 01 /7m", "invlpg", "Mb", rowByte | rowEnd | rowPriv, featNone, execInvlpg},
	}
}

func rowsControl() []row {
	return []row{
		{"0F 20 /rr", "mov", "Rd Cd", rowPriv, featNone, execMovFromCR},
		{"0F 22 /rr", "mov", "Cd Rd", rowEnd | rowPriv, featNone, execMovToCR},
		{"0F 21 /rr", "mov", "Rd Dd", rowEnd | rowPriv, featNone, execMovFromDR},
		{"0F 23 /rr", "mov", "Dd Rd", rowEnd | rowPriv, featNone, execMovToDR},
		{"0F 06", "clts", "", rowEnd | rowPriv, featNone, execClts},
		{"0F 08", "invd", "", rowPriv, featNone, execCacheOp},
		{"0F 09", "wbinvd", "", rowPriv, featNone, execCacheOp},
		{"0F 30", "wrmsr", "", rowEnd | rowPriv, featMSR, execWrmsr},
		{"0F 32", "rdmsr", "", rowPriv, featMSR, execRdmsr},
		{"0F 31", "rdtsc", "", 0, featTSC, execRdtsc},
		{"0F 01 F9", "rdtscp", "", 0, featRDTSCP, execRdtscp},
		{"F3 0F C7 /7r", "rdpid", "Rq", 0, featRDPID, execRdpid},
		{"0F 33", "rdpmc", "", 0, featNone, execRdpmc},
		{"0F A2", "cpuid", "", 0, featNone, execCpuid},
		{"NP 0F 01 CA", "clac", "", rowEnd | rowPriv, featSMAP, execClac},
		{"NP 0F 01 CB", "stac", "", rowEnd | rowPriv, featSMAP, execStac},
	}
}

func rowsFast() []row {
	return []row{
		{"0F 05", "syscall", "", rowEnd, featSYSCALL, execSyscall},
		{"0F 07", "sysret", "", rowEnd | rowPriv, featSYSCALL, execSysret},
		{"0F 34", "sysenter", "", rowEnd, featSEP, execSysenter},
		{"0F 35", "sysexit", "", rowEnd | rowPriv, featSEP, execSysexit},
	}
}
