using SecurityKeys.Cards;
using SecurityKeys.GlobalPlatform;

namespace SecurityKeys.Virtual;

/// <summary>The issuer domain of a plain PIV card: production data and nothing else.</summary>
internal sealed class VirtualIssuerDomain(VirtualKeyOptions options) : IVirtualApplet
{
    public bool Answers(ReadOnlySpan<byte> aid) => aid.Length >= 7 && Cplc.Aid.StartsWith(aid);

    public ResponseApdu Select() => new(new byte[] { 0x6F, 0x00 }, StatusWord.Ok);

    public void PowerOff()
    {
    }

    public IVirtualApplet Clone() => new VirtualIssuerDomain(options);

    public ResponseApdu Process(CommandApdu command)
    {
        if (command is not { Ins: 0xCA, P1: 0x9F, P2: 0x7F })
            return new ResponseApdu(default, StatusWord.UnknownInstruction);
        var data = new byte[45];
        data[0] = 0x9F;
        data[1] = 0x7F;
        data[2] = 42;
        data[3] = 0x47; // NXP
        data[4] = 0x90;
        Cuid.FromSerial(options.Serial).ToBytes().CopyTo(data, 3 + 12);
        data[3 + 17] = 0x01;
        return new ResponseApdu(data, StatusWord.Ok);
    }
}
