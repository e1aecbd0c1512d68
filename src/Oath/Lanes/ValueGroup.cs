using System.Runtime.CompilerServices;

namespace Oath.Lanes;

/// <summary>
/// The values of up to <see cref="Size"/> consecutive counters, on the stack: one bit of a 64-bit mask each. The room
/// past them takes what whole vectors write beyond the last counter.
/// </summary>
[InlineArray(Size + 16)]
internal struct ValueGroup
{
    public const int Size = 64;

    private uint first;
}
