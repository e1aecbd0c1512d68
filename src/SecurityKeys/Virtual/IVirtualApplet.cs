using SecurityKeys.Cards;

namespace SecurityKeys.Virtual;

/// <summary>One application on the virtual key. Persistent state is what <see cref="Clone"/> copies.</summary>
internal interface IVirtualApplet
{
    /// <summary>Whether SELECT with this identifier means this application.</summary>
    bool Answers(ReadOnlySpan<byte> aid);

    /// <summary>SELECT; forgets what was proved before.</summary>
    ResponseApdu Select();

    ResponseApdu Process(CommandApdu command);

    /// <summary>Power is gone: everything volatile with it.</summary>
    void PowerOff();

    IVirtualApplet Clone();
}
