; macros.asm: the calling convention of the 32-bit part.
;
; A routine made by `proc` takes its arguments on the stack, removes them
; itself and preserves every general register (not the flags).  `invoke`
; calls one.  Routines written without `proc` say in their header what they
; take and change.

%macro proc 1-2 0           ; name, number of local dwords
%1:
    push ebp
    mov ebp, esp
  %if %2
    sub esp, %2 * 4
  %endif
  %assign proc_locals %2
    pushad
%endmacro

%macro endproc 1            ; number of arguments
    popad
    leave
    ret %1 * 4
%endmacro

; return_eax makes EAX survive endproc: it is stored into PUSHAD's copy.
%macro return_eax 0
    mov [ebp - 4 - 4 * proc_locals], eax
%endmacro

%define arg(n) [ebp + 8 + 4 * (n)]
%define var(n) [ebp - 4 - 4 * (n)]

%macro invoke 1-*           ; routine, arguments
  %push
  %define %$routine %1
  %rep %0 - 1
    %rotate -1
    push dword %1
  %endrep
    call %$routine
  %pop
%endmacro
