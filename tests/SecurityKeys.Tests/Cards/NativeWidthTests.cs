using System.Reflection;
using System.Runtime.InteropServices;
using SecurityKeys.Cards.PcSc;

namespace SecurityKeys.Tests.Cards;

/// <summary>
/// What each platform's header says of sizes on 64 bits: pcsclite.h (DWORD is an unsigned long), PCSC/pcsclite.h of macOS
/// (32 bits, packed), winscard.h (DWORD has 32 bits, an ATR 36 octets). Running there takes such a machine.
/// </summary>
public class NativeWidthTests
{
    [Theory]
    [InlineData(typeof(PcscLinux), 80, 40, 16, 8)]
    [InlineData(typeof(PcscApple), 61, 28, 8, 4)]
    [InlineData(typeof(PcscWindows), 64, 28, 8, 8)]
    public void Structures_and_handles_have_the_widths_of_the_platform_s_own_header(
        Type platform, int readerState, int answerToResetAt, int ioRequest, int handle)
    {
        Assert.SkipUnless(Environment.Is64BitProcess, "sizes of 64 bits");
        var state = platform.GetNestedType("NativeState", BindingFlags.NonPublic)!;
        var request = platform.GetNestedType("IoRequest", BindingFlags.NonPublic)!;
        var begin = platform.GetMethods(BindingFlags.NonPublic | BindingFlags.Static).First(m => m.Name == "SCardBeginTransaction");

        Assert.Equal(readerState, Marshal.SizeOf(state));
        Assert.Equal(answerToResetAt, (int)Marshal.OffsetOf(state, "Atr"));
        Assert.Equal(ioRequest, Marshal.SizeOf(request));
        Assert.Equal(handle, Marshal.SizeOf(begin.GetParameters()[0].ParameterType));
    }
}
